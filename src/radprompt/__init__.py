"""radprompt: radiomics features as sentences that a language model reads."""

import importlib

__version__ = "0.1.0"
__all__ = ["LanguageModelClassifier", "NamedClassifier", "explain_classifier"]
_ROOMS = {
    "LanguageModelClassifier": "radprompt.llm.classifier",
    "NamedClassifier": "radprompt.named.classifier",
    "explain_classifier": "radprompt.evaluation.shapley",
}


def __getattr__(name: str) -> object:
    """Load what a name needs only when somebody asks for it: torch and transformers for the language model."""
    if name in _ROOMS:
        return getattr(importlib.import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'radprompt' has no attribute {name!r}")
