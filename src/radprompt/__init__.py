"""radprompt: radiomics features as sentences that a language model reads."""

import importlib

__version__ = "0.1.0"
__all__ = ["LanguageModelClassifier", "NamedClassifier"]


def __getattr__(name: str) -> object:
    """Load a classifier, and torch and transformers with it, only when somebody asks for it."""
    if name == "LanguageModelClassifier":
        return importlib.import_module("radprompt.llm.classifier").LanguageModelClassifier
    if name == "NamedClassifier":
        return importlib.import_module("radprompt.named.classifier").NamedClassifier
    raise AttributeError(f"module 'radprompt' has no attribute {name!r}")
