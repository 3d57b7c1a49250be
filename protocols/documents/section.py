"""A table of a document: strict types, nothing but known fields, no changes after reading."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Base of every table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
