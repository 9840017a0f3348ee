"""The Celery edge: the app and its settings, claiming and closing Work around a task, the tick, one module of thin tasks per subject."""
