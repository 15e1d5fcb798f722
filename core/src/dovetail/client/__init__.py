"""What has happened, to look at: pipelines, runs, steps and artifacts of a stack's stores."""

from dovetail.client.client import Client
from dovetail.client.records import Records
from dovetail.client.runs import PipelineView, Runs
from dovetail.client.views import ArtifactView, RunView, StepView

Repository = Client
"""The classic name of `Client`."""

__all__ = ["ArtifactView", "Client", "PipelineView", "Records", "Repository", "RunView", "Runs", "StepView"]
