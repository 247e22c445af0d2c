"""What the OpenAPI document says of inference requests (Open Inference Protocol) and answers."""

from __future__ import annotations

from serving.http.bodies import JSON
from serving.http.inference_bodies import (
    BINARY,
    DEFAULT_OUTPUTS,
    HEADER_LENGTH,
    INPUTS,
    MODEL_NAME,
    OUTPUTS,
)
from serving.http.problems import INFERENCE_PROTOCOL

_SWITCH = {"type": "boolean"}
_INPUT = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"enum": list(INPUTS)},
        "shape": {
            "type": "array",
            "description": "[n] or [n, 1], of n products.",
            "prefixItems": [{"type": "integer", "minimum": 1}, {"const": 1}],
            "items": False,
            "minItems": 1,
        },
        "datatype": {"const": "BYTES"},
        "data": {
            "type": "array",
            "description": "n texts; a picture is base64, or its data URL; an empty text is none.",
            "minItems": 1,
            "items": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1},
                ]
            },
        },
        "parameters": {"type": "object"},
    },
}
_OUTPUT = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"enum": list(OUTPUTS)},
        "parameters": {"type": "object", "properties": {"binary_data": _SWITCH}},
    },
}
_REQUEST = {
    "type": "object",
    "description": "Each product needs a text or an image.",
    "required": ["inputs"],
    "properties": {
        "id": {"type": "string", "description": "Given back as it is."},
        "inputs": {"type": "array", "items": _INPUT, "minItems": 1, "maxItems": len(INPUTS)},
        "outputs": {
            "type": "array",
            "description": f"Default: {', '.join(DEFAULT_OUTPUTS)}.",
            "items": _OUTPUT,
            "maxItems": len(OUTPUTS),
        },
        "parameters": {
            "type": "object",
            "properties": {"probabilities": _SWITCH, "binary_data_output": _SWITCH},
        },
    },
}
_EXAMPLE = {
    "id": "42",
    "inputs": [
        {
            "name": "designation",
            "shape": [2],
            "datatype": "BYTES",
            "data": ["Piscine gonflable ronde 3 m", "Jeu PC en téléchargement"],
        }
    ],
    "outputs": [{"name": "code"}, {"name": "confidence"}],
}
_BODY = {
    JSON: {"schema": _REQUEST, "examples": {"example": {"value": _EXAMPLE}}},
    BINARY: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "The JSON object, and behind it the tensors that have binary_data_size "
            f"in the place of data; the field {HEADER_LENGTH} tells the bytes of the former.",
        },
        "examples": {
            "example": {
                "value": '{"inputs":[{"name":"designation","shape":[1],"datatype":"BYTES",'
                '"parameters":{"binary_data_size":9}}]}\x05\0\0\0livre'
            }
        },
    },
}
_ANSWER = {
    BINARY: {
        "schema": {
            "type": "string",
            "format": "binary",
            "description": "The JSON object, and behind it the tensors that were asked for in "
            f"binary; the field {HEADER_LENGTH} tells the bytes of the former.",
        }
    }
}
_INFER = f"{INFERENCE_PROTOCOL}/models/{MODEL_NAME}"

BODIES = dict.fromkeys((f"{_INFER}/infer", f"{_INFER}/versions/{{version}}/infer"), _BODY)
"""What the routes read."""

ANSWERS = dict.fromkeys(BODIES, _ANSWER)
"""What is said of their answers beside the types."""
