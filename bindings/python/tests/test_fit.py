"""The loop over epochs."""

import sys

import pytest
from helpers import make_model, noise, same_bits

import rill


def setup(seed=1):
    model = make_model()
    batches = [rill.Batch(model, noise(4, 7, 3, seed=i), noise(4, 7, 2, seed=i + 10)) for i in range(3)]
    return model, rill.Trainer(model, loss="mse", seed=seed, learning_rate=0.01), batches


def test_fit_is_the_loop_that_one_would_write():
    model, trainer, batches = setup()
    history = trainer.fit(batches, epochs=4, validation_data=batches[0], progress=False)
    other, by_hand, batches = setup()
    loss, validation = [], []
    for _ in range(4):
        loss.append(sum(by_hand.update(batch) for batch in batches) / 3)
        validation.append(by_hand.evaluate(batches[0])["loss"])
    assert history.loss == loss
    assert history.validation_loss == validation
    assert model.to_text() == other.to_text()
    assert trainer.update_count == 12


def test_fit_publishes_at_the_end():
    model, trainer, batches = setup()
    x = noise(7, 3)
    before = model(x)
    trainer.fit(batches, epochs=2, progress=False, publish=False)
    assert same_bits(model(x), before)
    trainer.fit(batches, epochs=2, progress=False)
    assert same_bits(model(x), rill.Model.parse(model.to_text())(x))


def test_shuffling_follows_its_seed():
    texts = []
    for options in ({}, {"shuffle": True, "seed": 5}, {"shuffle": True, "seed": 5}, {"shuffle": True, "seed": 6}):
        model, trainer, batches = setup()
        trainer.fit(batches, epochs=4, **options, progress=False)
        texts.append(model.to_text())
    assert texts[1] == texts[2]
    assert len(set(texts)) == 3


def test_the_callers_list_keeps_its_order():
    _, trainer, batches = setup()
    kept = list(batches)
    trainer.fit(batches, epochs=2, shuffle=True, progress=False)
    assert batches == kept


def test_without_batches_there_is_nothing_to_fit():
    _, trainer, _ = setup()
    with pytest.raises(rill.ArgumentError, match="batches"):
        trainer.fit([], epochs=2)


def test_the_bar_shows_the_losses(capsys):
    _, trainer, batches = setup()
    history = trainer.fit(batches, epochs=2, validation_data=batches)
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert f"loss {history.loss[-1]:.4g}, validation {history.validation_loss[-1]:.4g}" in shown


def test_without_tqdm_there_is_no_bar(capsys, monkeypatch):
    for name in ("tqdm", "tqdm.auto"):
        monkeypatch.setitem(sys.modules, name, None)
    _, trainer, batches = setup()
    assert len(trainer.fit(batches, epochs=2).loss) == 2
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("with_validation", [True, False])
def test_plot_draws_a_picture(tmp_path, with_validation):
    _, trainer, batches = setup()
    history = trainer.fit(batches, epochs=2, validation_data=batches[0] if with_validation else None, progress=False)
    history.plot(tmp_path / "loss.png")
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    history.plot(str(tmp_path / "loss.svg"))
    assert ("validation" in (tmp_path / "loss.svg").read_text()) == with_validation


def test_importing_rill_needs_no_extra():
    from helpers import run_python

    result = run_python("import sys; sys.modules.update(tqdm=None, matplotlib=None); import rill; print(rill.version())")
    assert result.returncode == 0, result.stderr
