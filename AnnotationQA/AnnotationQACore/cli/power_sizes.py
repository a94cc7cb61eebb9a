"""How many cases each statistic of `annotation-qa power` needs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace

from AnnotationQACore.agreement.statistics.power import (
    SampleSize,
    cases_for_icc,
    cases_for_kappa,
    cases_for_limits,
    cases_for_mean,
    clustered,
)
from AnnotationQACore.errors import InputError

__all__ = ["size_for"]


def size_for(arguments: argparse.Namespace) -> SampleSize:
    """Number of cases for the statistic and the interval that were asked for."""
    size = _SIZES[arguments.statistic](arguments)
    if arguments.per_patient is None:
        return size
    return clustered(size, arguments.per_patient, arguments.correlation)


def _kappa(arguments: argparse.Namespace) -> SampleSize:
    return cases_for_kappa(
        arguments.expected,
        arguments.width,
        arguments.prevalence,
        readers=arguments.readers,
        level=arguments.confidence,
    )


def _icc(arguments: argparse.Namespace) -> SampleSize:
    return cases_for_icc(arguments.expected, arguments.width, readers=arguments.readers, level=arguments.confidence)


def _limits(arguments: argparse.Namespace) -> SampleSize:
    if arguments.readers != 2:
        raise InputError("power: limits of agreement are of two readers; leave out --readers.")
    multiplier = 1.96 if arguments.multiplier is None else arguments.multiplier
    size = cases_for_limits(arguments.sd, arguments.width, multiplier=multiplier, level=arguments.confidence)
    return replace(size, assumptions=f"{size.assumptions}, limits at {multiplier:g} of them")


def _mean(arguments: argparse.Namespace) -> SampleSize:
    return cases_for_mean(arguments.sd, arguments.width, readers=arguments.readers, level=arguments.confidence)


_SIZES: dict[str, Callable[[argparse.Namespace], SampleSize]] = {
    "kappa": _kappa,
    "icc": _icc,
    "limits": _limits,
    "mean": _mean,
}
