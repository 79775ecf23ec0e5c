"""The console command: each subcommand parses, calls one function and prints.

Answers go to stdout, all else to stderr. Exit codes: 0 done, 2 bad input or usage, 3 a check
failed, 4 a damaged run folder, 5 some of a batch failed, 130 interrupted.
"""

import os
import sys
from importlib import import_module

import click

from simulator import __version__
from simulator.faults import BadInput
from simulator.options import BAD_INPUT, DAMAGED, INTERRUPTED
from simulator.seal import Damaged

COMMANDS = (
    *("run", "check", "priors", "evidence"),
    *("show", "ask", "tasks", "export", "jump", "burden", "forecast", "list", "verify"),
    *("inspect", "figure", "sensitivity", "diff", "report", "explore"),
    *("compare", "average", "reweight", "backtest", "score", "calibrate"),
    "batch",
)


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None) -> int:
    try:
        code = cli.main(arguments, prog_name="simulator", standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()
        return code or 0
    except BadInput as error:
        for fault in error.faults:
            click.echo(f"error: {fault}", err=True)
        return BAD_INPUT
    except Damaged as error:
        click.echo(f"damaged: {error}", err=True)
        return DAMAGED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit):  # the reader has seen enough, as in `... | head`
        _forget_output()
        return 0
    except OSError as error:
        where = f" {error.filename}:" if error.filename else ""
        click.echo(f"error:{where} {error.strerror or error}", err=True)
        _forget_output()
        return BAD_INPUT


def _forget_output() -> None:
    """What is still to be printed goes nowhere, so that closing it cannot fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class Commands(click.Group):
    """A group whose commands are modules, each imported when it is called or listed."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        return import_module(f"simulator.commands.{name}").command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(version)s")
def cli() -> None:
    """What does scaling AI cost? A Monte Carlo simulator of RL, inference and falling prices.

    Start with: simulator run base
    """
