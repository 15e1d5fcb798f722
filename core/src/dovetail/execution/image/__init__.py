"""Images: a project's code and the wheels of its stack as a container image, built by buildah."""
