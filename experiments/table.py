"""Tables that take too long for a chapter. `complete` measures the missing rows, side by side, and may be killed."""

import csv
import itertools
import os
import pathlib
import time
import traceback

import joblib
import keras
from tqdm import tqdm

RESULTS = pathlib.Path(__file__).resolve().parent / "results"
STORED = RESULTS.parent.parent / "build" / "experiments"  # trained models that several rows use


def grid(**columns):
    """Every combination of the given values, as a list of dicts: `grid(n_codes=[2, 10], seed=range(3))` has six."""
    return [dict(zip(columns, values, strict=True)) for values in itertools.product(*columns.values())]


def complete(name, settings, measure, folder=RESULTS):
    """Measure the settings that the table `name` does not hold yet.

    The missing rows are independent runs: tasks of one `joblib.Parallel`, one after the other unless a surrounding
    `joblib.parallel_config` says otherwise (`make results`: a worker for each core, with one thread). After each
    measurement the whole table is written anew and renamed into place, so that at every moment the file is a table of
    finished rows, in the order of `settings`. A run that fails is reported and takes no other row with it.

    Parameters
    ----------
    name : str
        The table is `folder`/`name`.csv, one row for each of `settings`.
    settings : list of dict
        All of the same keys; text without commas. "seed" seeds Keras, NumPy and Python before the measurement.
    measure : function
        `measure(**setting)` returns a dict of figures. The row holds the setting, them, and the seconds spent.

    Raises
    ------
    ValueError
        A setting stands there twice, in `settings` or in the table; or the stored table has a row that `settings` do
        not name: whoever changes the settings deletes the table.
    RuntimeError
        At the end, where runs failed: their settings and what they raised.
    """
    path = pathlib.Path(folder) / f"{name}.csv"
    wanted = [_key(setting) for setting in settings]
    if len(set(wanted)) < len(wanted):
        raise ValueError(f"{name}: the same setting twice among {settings}")
    stored = _read(path, settings[0])
    rows = {_key({column: row[column] for column in settings[0]}): row for row in stored}
    if len(rows) < len(stored):
        raise ValueError(f"{path}: has several rows of one setting; was a column added? delete the table to start anew")
    if unknown := sorted(set(rows) - set(wanted)):
        raise ValueError(f"{path}: holds {unknown[0]}, which is not among the settings; delete the table to start anew")
    missing = [setting for setting in settings if _key(setting) not in rows]
    runs = joblib.Parallel(return_as="generator_unordered")(joblib.delayed(_run)(one, measure) for one in missing)
    failed = []
    for setting, figures, error in tqdm(runs, desc=name, unit="row", initial=len(rows), total=len(settings)):
        if error:
            failed.append(f"{setting}: {error}")
            tqdm.write(f"{name}: failed with {failed[-1]}")
            continue
        rows[_key(setting)] = setting | figures
        write([rows[key] for key in wanted if key in rows], path)
    if failed:
        raise RuntimeError(f"{name}: {len(failed)} of {len(missing)} runs failed\n" + "\n".join(failed))


def _run(setting, measure):
    """The setting, its figures with the seconds spent, and None; or the setting, None, and the traceback."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(setting["seed"])
    started = time.perf_counter()
    try:
        figures = measure(**setting)
    except Exception:  # joblib would drop the other runs' results
        return setting, None, traceback.format_exc()
    return setting, figures | {"seconds": f"{time.perf_counter() - started:.1f}"}, None


def _key(setting):
    return tuple(f"{column}={value}" for column, value in setting.items())


def _read(path, columns):
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or not set(columns) <= set(rows[0]):
        found = sorted(rows[0]) if rows else "no row"
        raise ValueError(f"{path}: expected the columns {sorted(columns)}, found {found}; delete it to start anew")
    return rows


def write(rows, path):
    """The rows, dicts of the same keys, as a CSV file: written beside it and renamed, so that a kill leaves no half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0], lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
