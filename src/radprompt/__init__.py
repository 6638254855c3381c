"""radprompt: radiomics features as sentences that a language model reads."""

import importlib

__version__ = "0.1.0"
__all__ = ["LanguageModelClassifier"]


def __getattr__(name: str) -> object:
    """Load torch and transformers only when somebody asks for the classifier."""
    if name == "LanguageModelClassifier":
        return importlib.import_module("radprompt.llm.classifier").LanguageModelClassifier
    raise AttributeError(f"module 'radprompt' has no attribute {name!r}")
