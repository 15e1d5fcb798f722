from dovetail.client import Client as Client
from dovetail.client import Repository as Repository
from dovetail.definition.hierarchy import BaseAlerterStep as BaseAlerterStep
from dovetail.definition.hierarchy import BaseAnalyzerStep as BaseAnalyzerStep
from dovetail.definition.hierarchy import BaseDatasourceStep as BaseDatasourceStep
from dovetail.definition.hierarchy import BaseDeployerStep as BaseDeployerStep
from dovetail.definition.hierarchy import BaseDriftDetectionStep as BaseDriftDetectionStep
from dovetail.definition.hierarchy import BaseEvaluatorStep as BaseEvaluatorStep
from dovetail.definition.hierarchy import BasePreprocessorStep as BasePreprocessorStep
from dovetail.definition.hierarchy import BaseSplitStep as BaseSplitStep
from dovetail.definition.hierarchy import BaseTrainerStep as BaseTrainerStep
from dovetail.definition.outputs import Output as Output
from dovetail.definition.outputs import outputs as outputs
from dovetail.definition.step import BaseStep as BaseStep
from dovetail.definition.step import step as step
from dovetail.errors import DovetailError as DovetailError
from dovetail.errors import RunCancelled as RunCancelled
from dovetail.errors import StepError as StepError
from dovetail.execution.api import pipeline as pipeline
from dovetail.execution.api import run as run
from dovetail.execution.attempt.context import step_context as step_context
from dovetail.materializers.base import BaseMaterializer as BaseMaterializer
from dovetail.records.config import BaseStepConfig as BaseStepConfig
from dovetail.records.plan import Plan as Plan
from dovetail.records.plan import Retry as Retry
from dovetail.stacks.settings import Stack as Stack

__version__: str
