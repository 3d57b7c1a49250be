"""The document of a sweep, and the runs that it stands for."""

import shutil

import pytest

from protocols.documents import DocumentError
from protocols.library import ready
from sims.sweep.clusters.local import Local
from sims.sweep.clusters.slurm import Slurm
from sims.sweep.command import files
from sims.sweep.document import load_sweep
from sims.sweep.folder import SweepError, prepare
from sims.sweep.plan import runs_of

LEARNERS = """
[learners]
narrow = {{ kind = "random_features", width = 5 }}
{more}
[variants]
plain = []
few = ["episode.train=4"]
"""


def learners(more='ridge = { kind = "ridge" }'):
    return LEARNERS.format(more=more)


def refused(path):
    with pytest.raises(DocumentError) as error:
        runs_of(load_sweep(path))
    return str(error.value)


def test_every_protocol_meets_every_learner_variant_and_seed(document):
    runs = runs_of(load_sweep(document(more=learners())))
    assert len(runs) == 2 * 2 * 2
    assert [run.name for run in runs[:4]] == [
        "default-narrow-few-seed0",
        "default-narrow-plain-seed0",
        "default-ridge-few-seed0",
        "default-ridge-plain-seed0",
    ]
    few = runs[0]
    assert (few.learner, few.variant, few.seed) == ("narrow", "few", 0)
    assert "train = 4" in few.document
    assert "width = 5" in few.document
    assert "width = 5" not in runs[2].document
    assert len({run.sha256 for run in runs}) == 8


def test_without_learners_and_variants_there_is_the_protocols_own(document):
    (run,) = runs_of(load_sweep(document("[3]")))
    assert run.name == "default-seed3"
    assert run.learner == "random_features"
    assert "width = 100" in run.document
    assert "seed = 3" in run.document


def test_a_protocol_is_a_file_beside_the_document_or_a_ready_one(document):
    path = document("[0]")
    shutil.copy(ready()["decoy_axis"], path.with_name("mine.toml"))
    path.write_text('name = "s"\nprotocols = ["mine.toml", "default"]\n', encoding="utf-8")
    assert [run.name for run in runs_of(load_sweep(path))] == ["mine-seed0", "default-seed0"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("sedes = [1]\n", "sweep.toml:10: sedes: unknown key 'sedes'; did you mean 'seeds'?"),
        ('[learners]\nwide = { kind = "random_feature" }\n', "did you mean 'random_features'"),
        ('[learners]\nwide = { kind = "ridge", witdh = 3 }\n', "learners.wide"),
        ('[cluster]\nkind = "slrm"\n', "did you mean 'slurm'"),
        ('[cluster]\nkind = "slurm"\ncores = 0\n', "cluster.cores"),
        ('[variants]\nfew = ["episode.trian=4"]\n', "(run default-few-seed0)"),
        ('[learners]\n"a/b" = { kind = "ridge" }\n', "learners"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document, more, said):
    assert said in refused(document(more=more))


def test_seeds_that_are_given_twice_are_refused(document):
    assert "expected each once, got 4 twice" in refused(document("[4, 4]"))


def test_a_protocol_that_is_not_there_is_refused(document):
    path = document()
    path.write_text('name = "s"\nprotocols = ["defualt"]\n', encoding="utf-8")
    assert "no such file" in refused(path)


def test_the_example_is_valid(tmp_path):
    path = tmp_path / "example.toml"
    path.write_text(files("sims.sweep").joinpath("example.toml").read_text("utf-8"), "utf-8")
    assert len(runs_of(load_sweep(path))) == 8


def test_the_workers_are_this_computers_where_nothing_is_said(document):
    assert load_sweep(document()).value.workers_from() == Local()
    slurm = '[cluster]\nkind="slurm"\nqueue="cpu"\ncores=4\nmemory="8GB"\nwalltime="01:00:00"\n'
    found = load_sweep(document(more=slurm)).value.workers_from()
    assert found == Slurm("cpu", 4, "8GB", "01:00:00")


def test_a_folder_is_of_one_plan_but_workers_may_change(document, tmp_path):
    out = tmp_path / "out"

    def begin(*arguments, **settings):
        path = document(*arguments, **settings)
        sweep = load_sweep(path)
        prepare(out, sweep, runs_of(sweep))

    begin()
    begin()
    begin(more='[cluster]\nkind = "local"\nworkers = 3\n')
    with pytest.raises(SweepError, match=r"another sweep \(run default-seed2 isn't in it\)"):
        begin("[0, 1, 2]")
    with pytest.raises(SweepError, match=r"run default-seed0 differs, and 1 more"):
        begin(generations=9)
    with pytest.raises(SweepError, match="run default-seed1 is gone"):
        begin("[0]")


def test_a_folder_with_something_else_is_not_used(document, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    sweep = load_sweep(document())
    with pytest.raises(SweepError, match="is taken and holds no sweep"):
        prepare(tmp_path / "out", sweep, runs_of(sweep))
