"""What is wrong with a recipe is said in a sentence, at the line, with the nearest word."""

from __future__ import annotations

from pathlib import Path

import pytest
from recipe_files import refusal, write

HEAD = "name: x\nsteps:\n  - source: {folder: a}\n"

GRAMMAR = [
    ("nmae: x\nsteps: []\n", "1:1", "`nmae` is not a key of a recipe; did you mean `name`?", "nmae"),
    (
        "name: x\nsteps:\n  - sorce: {folder: a}\n",
        "3:5",
        "`sorce` is not a kind of step; did you mean `source`?",
        "sorce",
    ),
    (
        HEAD + "  - mesure: [header]\n",
        "4:5",
        "`mesure` is not a kind of step; did you mean `measure`?",
        "mesure",
    ),
    (HEAD + "  - xyzzy: 1\n", "4:5", "`xyzzy` is not a kind of step", "xyzzy"),
    (
        HEAD + "  - where: a > 3\n",
        "4:5",
        "`where` is not a kind of step; it belongs inside `source` or `select`",
        "where",
    ),
    (HEAD + "    nmae: p\n", "4:5", "`nmae` is not a key of a step; did you mean `name`?", "nmae"),
    (HEAD + "    licence: CC0\n", "4:5", "`licence` belongs inside `source`", "licence"),
    (HEAD + "    measure: [header]\n", "4:5", "`source` and `measure` are in one step", "measure"),
    (HEAD + "  - name: p\n    note: n\n", "4:5", "this step has no kind", "name"),
    (HEAD + "  - header\n", "4:5", "a step is a mapping such as `measure: [header]`, not 'header'", "header"),
    (HEAD + "  - 3\n", "4:5", "a step is a mapping such as `measure: [header]`, not 3", "3"),
    (
        HEAD + "    name: p\n  - measure: a\n    name: p\n",
        "6:11",
        "two steps have the name `p`, the first in line 3",
        "p",
    ),
    (
        HEAD + "    name: measure-1\n  - measure: a\n",
        "5:5",
        "two steps have the name `measure-1`, the first in line 3",
        "measure",
    ),
    (
        HEAD + "    name: a.b\n",
        "4:11",
        "`name` must be a name of letters, digits, - and _ that begins with a letter, not 'a.b'",
        "a.b",
    ),
    (HEAD + "    if: 3\n", "4:9", "`if` must be a text, not 3", "3"),
    ("seed: 1\n" + HEAD + "seed: 2\n", "5:1", "`seed` appears twice here, first in line 1", "seed"),
    (HEAD + "source: {folder: b}\n", "4:1", "`source` is a step and belongs under `steps:`", "source"),
    (
        "name: x\nsteps: {source: {folder: a}}\n",
        "2:1",
        "`steps` must be a list, not a mapping of keys",
        "steps",
    ),
    ("name: x\nsteps: []\n", "2:1", "this recipe has no steps", "steps"),
    ("name: x\n", "1:1", "this recipe has no `steps`", "n"),
    ("steps:\n  - source: {folder: a}\n", "1:1", "this recipe has no `name`", "s"),
    (
        "name: a/b\n" + HEAD[8:],
        "1:7",
        "`name` must be a name of letters, digits, -, _ and . without spaces or slashes, not 'a/b'",
        "a/b",
    ),
    (HEAD + "seed: many\n", "4:7", "`seed` must be a whole number, not 'many'", "many"),
    (HEAD + "seed: true\n", "4:7", "`seed` must be a whole number, not true", "true"),
    (HEAD + "seed:\n", "4:1", "`seed` has no value", "seed"),
    (
        HEAD + "limits: {failed: 150}\n",
        "4:18",
        "`failed` must be a number from 0 to 1 or a percentage such as 20%, not 150",
        "150",
    ),
    (HEAD + "limits: {frames: 2}\n", "4:18", "`frames` must be 1, not 2", "2"),
    (
        HEAD + "limits: {pixel: 2}\n",
        "4:10",
        "`pixel` is not a key of `limits`; did you mean `pixels`?",
        "pixel",
    ),
    (HEAD + "profiles: [a]\n", "4:11", "`profiles` must be a mapping of keys, not a list", "["),
    (
        HEAD + "profiles: {p: {sorce-1: {source: {folder: b}}}}\n",
        "4:16",
        "no step is called `sorce-1`; did you mean `source-1`?",
        "sorce-1",
    ),
    (
        HEAD + "profiles: {p: {source-1: {source: {foldr: b}}}}\n",
        "4:36",
        "`foldr` is not a key of `source`; did you mean `folder`?",
        "foldr",
    ),
    (
        HEAD + "profiles: {p: {source-1: {name: q, source: {folder: b}}}}\n",
        "4:27",
        "in a profile the step's name is its key, `source-1`",
        "name",
    ),
]

BODIES = [
    ("source: {foldr: a}", "`foldr` is not a key of `source`; did you mean `folder`?", "foldr"),
    (
        "source: {folder: a, license: CC0}",
        "`license` is not a key of `source`; did you mean `licence`?",
        "license",
    ),
    ("source: photos/", "`source` must be a mapping of keys, not 'photos/'", "source"),
    ("source: {folder: a, sample: skimage}", "`folder` and `sample` cannot go together", "sample"),
    (
        "source: {licence: CC0}",
        "one of `folder`, `archive`, `table`, `sample` or `generate` is needed here",
        "source",
    ),
    ("release: {lr_scales: [4]}", "`lr_scales` makes pairs, but the format is `folder`", "lr_scales"),
    ("release: {format: 3}", "`format` must be `folder`, `paired`, `ratings` or `challenge`, not 3", "3"),
    ("source: {folder: []}", "`folder` is empty", "["),
    ("source: {folder: ''}", "`folder` is empty", "''"),
    ("source: {folder: [a, 3]}", "`folder` must be a text, not 3", "3"),
    ("source: {sample: scikit}", "`sample` cannot be 'scikit'", "scikit"),
    ("source: {sample: skimage, glob: '*.png'}", "`glob` has no meaning with `sample`", "glob"),
    ("source: {sample: skimage, where: w > 3}", "`where` has no meaning with `sample`", "where"),
    ("source: {archive: a.zip, path: p}", "`path` has no meaning with `archive`", "path"),
    ("source: {table: a.csv}", "`table` needs the column of the images", "table"),
    ("source: {table: a.csv, path: p, bytes: b}", "`path` and `bytes` cannot go together", "bytes"),
    ("source: {table: a.csv, path: p, glob: '*'}", "`glob` has no meaning with `table`", "glob"),
    ("source: {table: a.csv, path: p, columns: {}}", "`columns` is empty", "columns"),
    (
        "source: {table: a.csv, path: p, columns: {w: INT}}",
        "`w` cannot be 'INT'; did you mean `INTEGER`?",
        "INT",
    ),
    ("source: {folder: a, limit: 0}", "`limit` must be a whole number of 1 or more, not 0", "0"),
    ("source: {folder: a, limit: 1.5}", "`limit` must be a whole number of 1 or more, not 1.5", "1.5"),
    ("measure: []", "`measure` lists no measure", "measure"),
    ("measure: [[header]]", "a measure is a name, not a list", "["),
    ("measure: [header, 3]", "a measure is a name, not 3", "3"),
    ("measure: {header: , blockiness: }", "two measures are in one item", "blockiness"),
    ("measure: [{blockiness: 3}]", "the parameters of `blockiness` must be a mapping of keys, not 3", "3"),
    ("measure: [{blockiness: {as: 3}}]", "`as` must be a text, not 3", "3"),
    ("measure: [{blockiness: {search: [1]}}]", "`search` must be a single value, not a list", "search"),
    ("measure: [{table: s.csv, kye: uri}]", "`kye` is not a key of `table`; did you mean `key`?", "kye"),
    (
        "measure: [{table: s.csv, prefix: t_}]",
        "`prefix` is not a key of `table`; did you mean `as`?",
        "prefix",
    ),
    ("measure: [{table: s.csv, key: url}]", "`key` cannot be 'url'; did you mean `uri`?", "url"),
    (
        "select: {}",
        "one of `where`, `quantile`, `top_k`, `quota`, `intersect`, `deduplicate`, `decontaminate`, "
        "`source_divergence`, `keep` or "
        "`drop` is needed here",
        "select",
    ),
    ("select: {where: a > 1, top_k: 3, by: a}", "`where` and `top_k` cannot go together", "top_k"),
    ("select: {where: a > 1, drop: x.txt}", "`where` and `drop` cannot go together", "drop"),
    ("select: {top_k: 3}", "`top_k` needs `by`, the column to rank by", "top_k"),
    ("select: {quantile: 20%}", "`quantile` needs `by`, the column to rank by", "quantile"),
    (
        "select: {quantile: 20, by: a}",
        "`quantile` must be a number from 0 to 1 or a percentage such as 20%, not 20",
        "20",
    ),
    (
        "select: {quantile: half%, by: a}",
        "`quantile` must be a number from 0 to 1 or a percentage such as 20%, not 'half%'",
        "half%",
    ),
    ("select: {quota: {a: 3}, by: b}", "`quota` needs the column that groups the rows", "quota"),
    ("select: {quota: {a: -3}, by: b, per: c}", "`a` must be a whole number of 0 or more, not -3", "-3"),
    ("select: {quota: {}, by: b, per: c}", "`quota` is empty", "quota"),
    ("select: {where: a > 1, by: a}", "`by` has no meaning with `where`", "by"),
    ("select: {deduplicate: near, per: a}", "`per` has no meaning with `deduplicate`", "per"),
    (
        "select: {deduplicate: exact, distance: 3}",
        "`distance` has no meaning with `deduplicate: exact`",
        "distance",
    ),
    (
        "select: {deduplicate: near, distance: 33}",
        "`distance` must be a whole number from 0 to 32, not 33",
        "33",
    ),
    ("select: {deduplicate: near, order: lower}", "`order` needs a column to rank by", "order"),
    ("select: {deduplicate: nearly}", "`deduplicate` cannot be 'nearly'; did you mean `near`?", "nearly"),
    (
        "select: {intersect: [{where: a > 1}, {top_k: 3, bye: a}]}",
        "`bye` is not a key of `intersect`; did you mean `by`?",
        "bye",
    ),
    (
        "select: {intersect: [{where: a > 1}, {top_k: 3}]}",
        "`top_k` needs `by`, the column to rank by",
        "top_k",
    ),
    ("select: {intersect: [{where: a > 1}, 3]}", "`intersect` must be a mapping of keys, not 3", "3"),
    ("select: {intersect: []}", "`intersect` is empty", "intersect"),
    ("hold_out: 100", "`hold_out` must name a split, not 100", "hold_out"),
    ("hold_out: {next: 100}", "`next` belongs inside a named split", "next"),
    ("hold_out: {validation: 100}", "`validation` must say which images to hold out, not 100", "validation"),
    ("hold_out: {train: {count: 3}}", "`train` is the remaining set and cannot be held out", "train"),
    (
        "hold_out: {validation: {pick: 3}}",
        "one of `next`, `count`, `share` or `list` is needed here",
        "validation",
    ),
    ("hold_out: {validation: {next: 3, count: 3}}", "`next` and `count` cannot go together", "count"),
    ("hold_out: {validation: {count: 3, pick: 4}}", "4 cannot be picked out of 3", "pick"),
    ("hold_out: {validation: {list: a.txt, by: b}}", "`by` has no meaning with `list`", "by"),
    ("hold_out: {validation: {nxt: 3}}", "`nxt` is not a key of `validation`; did you mean `next`?", "nxt"),
    ("hold_out: {validation: {count: 3, share: 5%}}", "`count` and `share` cannot go together", "share"),
    ("hold_out: {validation: {share: 0%}}", "with a share of 0% nothing is held out", "share"),
    ("hold_out: {validation: {share: 1}}", "with a share of 100% nothing is left to train on", "share"),
    (
        "hold_out: {validation: {share: 5}}",
        "`share` must be a number from 0 to 1 or a percentage such as 20%, not 5",
        "5",
    ),
    (
        "hold_out: {validation: {shar: 5%}}",
        "`shar` is not a key of `validation`; did you mean `share`?",
        "shar",
    ),
    ("transform: {tile: '512'}", "`tile` must be a whole number of 1 or more, not '512'", "'512'"),
    ("transform: {tile: true}", "`tile` must be a whole number of 1 or more, not true", "true"),
    (
        "transform: {to_effective_resolution: false}",
        "`to_effective_resolution` must be `true`, not false",
        "false",
    ),
    ("transform: {tile: 512, best_tile: 128}", "`tile` and `best_tile` cannot go together", "best_tile"),
    ("transform: {best_tile: 512, stride: 3}", "`stride` has no meaning with `best_tile`", "stride"),
    (
        "transform: {tile: 512, shortest_edge: 3}",
        "`shortest_edge` has no meaning with `tile`",
        "shortest_edge",
    ),
    ("transform: {tile: 512, edges: shfit}", "`edges` cannot be 'shfit'; did you mean `shift`?", "shfit"),
    (
        "transform: {multiscale: [1.0, 1.5]}",
        "`multiscale` must be a number above 0, at most 1, not 1.5",
        "1.5",
    ),
    ("transform: {multiscale: []}", "`multiscale` lists no scale", "multiscale"),
    (
        "transform: {downscale: 1}",
        "`downscale` must be a whole number of 2 or more or a number above 0 and below 1, not 1",
        "1",
    ),
    ("split: {train: 0.5, validation: 10%}", "the shares add up to 0.6, not to 1", "train"),
    (
        "split: {validation: 60%, test: 40%}",
        "validation and test take 1 of the set: nothing is left to train on",
        "split",
    ),
    (
        "split: {validaton: 2000}",
        "`validaton` is not a key of `split`; did you mean `validation`?",
        "validaton",
    ),
    (
        "split: {validation: -2}",
        "`validation` must be a whole number of 0 or more or a number from 0 to 1 or a percentage such as 20%, not -2",
        "-2",
    ),
    (
        "split: {validation: 1.5}",
        "`validation` must be a whole number of 0 or more or a number from 0 to 1 or a percentage such as 20%, not 1.5",
        "1.5",
    ),
    (
        "split: {test: '2000'}",
        "`test` must be a whole number of 0 or more or a number from 0 to 1 or a percentage such as 20%, not '2000'",
        "'2000'",
    ),
    (
        "split: {test: true}",
        "`test` must be a whole number of 0 or more or a number from 0 to 1 or a percentage such as 20%, not true",
        "true",
    ),
    (
        "split: {train: 80%, test: 2000}",
        "with `train` as a share next to counts, no split takes the rest",
        "train",
    ),
    (
        "split: {train: 100, validation: 10%, test: 20}",
        "with `validation` as a share next to counts, no split takes the rest",
        "train",
    ),
    (
        "split: {validation: 20, test: 100%}",
        "test takes 1 of the set: nothing is left to train on",
        "split",
    ),
    ("release: {format: pared}", "`format` cannot be 'pared'; did you mean `paired`?", "pared"),
    (
        "release: {format: paired, lr_scales: 2, image: original}",
        "`original` files have no LR versions",
        "image",
    ),
    (
        "release: {format: paired, validation_lr: {scales: [4]}}",
        "`validation_lr` needs `lr_scales`: without them, the pairs are those that a step made",
        "validation_lr",
    ),
    ("release: {card: yep}", "`card` must be true or false, not 'yep'", "yep"),
    ("release: {lr_scales: [2, 1]}", "`lr_scales` must be a whole number of 2 or more, not 1", "1"),
    (
        "release: {validation_lr: {scale: 2}}",
        "`scale` is not a key of `validation_lr`; did you mean `scales`?",
        "scale",
    ),
    ("release: {validation_lr: 4}", "`validation_lr` must be a mapping of keys, not 4", "4"),
    ("release: {archive: }", "`archive` has no value", "archive"),
    ("release:", "`release` has no value", "release"),
]

LATER = [
    ("benchmark: {networks: [swinir]}", "networks"),
    *((f"source: {{{word}: a}}", word) for word in ("download", "hub", "video")),
    ("select: {licence: a}", "licence"),
    ("select: {intersect: [{where: a > 1}, {licence: CC0}]}", "licence"),
    *((f"release: {{format: {word}}}", word) for word in ("lmdb", "webdataset", "parquet")),
    ("release: {croissant: true}", "croissant"),
]

YAML_FAULTS = [
    ("name: x\nsteps:\n\t- source: {folder: a}\n", "3:1", "a tab cannot indent a recipe"),
    ("name: x\nsteps:\n  \t- source: {folder: a}\n", "3:3", "a tab cannot indent a recipe"),
    (HEAD + '  - select: {where: "a < 30}\n', "4:21", "a quote is not closed"),
    (
        HEAD + "  - select: {where: 'a < 30'\n  - measure: [a]\n",
        "4:13",
        "a bracket is not closed, or a comma is missing",
    ),
    (HEAD + "  - measure: [a, b\n", "4:14", "a bracket is not closed, or a comma is missing"),
    (HEAD + "   - measure: [a]\n", "4:4", "this line does not fit the lines above"),
    (HEAD + " - measure: [a]\n", "4:2", "this line does not fit the lines above"),
    (HEAD + "  - select:\n      where: a: b\n", "5:15", "this `:` is not expected here"),
    ("name: x\nsteps\n  - source: {folder: a}\n", "2:1", "a `:` is missing after this"),
    (HEAD + "    glob: *.jpg\n", "4:11", "a text cannot begin with *"),
    (HEAD + "    note: %x\n", "4:11", "a text cannot begin with this character"),
    (HEAD + '    note: "\\q"\n', "4:13", "this backslash has no meaning here"),
    (HEAD + "---\nname: y\n", "4:1", "a file holds one recipe; a second begins here"),
    (
        HEAD + "    note: !!python/name:os.system x\n",
        "4:11",
        "YAML tags, words that begin with !, are not part of a recipe",
    ),
    (HEAD + "<<: {seed: 3}\n", "4:1", "YAML merge keys (<<) are not part of a recipe"),
    (HEAD + "? [a]\n: 3\n", "4:3", "a key must be a single word"),
    (HEAD + "seed: .nan\n", "4:7", "a recipe cannot use `.nan`"),
    (HEAD + "seed: " + "9" * 5000 + "\n", "4:7", "this number is too long"),
    (HEAD + "    note: a\x07b\n", "4:12", "this character is not allowed in YAML"),
    (HEAD + '    note: "\\ud800"\n', "4:11", "this text holds a character that cannot be written to a file"),
    ("- a\n- b\n", "1:1", "a recipe is a mapping of keys, not a list"),
    ("just a text\n", "1:1", "a recipe is a mapping of keys, not 'just a text'"),
    ("", "1:1", "this recipe is empty"),
    ("\n# only a comment\n", "1:1", "this recipe is empty"),
    ("---\n...\n", "2:1", "this recipe is empty"),
]


@pytest.mark.parametrize(("text", "at", "says", "under"), GRAMMAR)
def test_a_fault_of_the_grammar_is_told_where_it_is(
    tmp_path: Path, text: str, at: str, says: str, under: str
) -> None:
    found = refusal(write(tmp_path, text))
    assert (found.at, found.says, found.under) == (at, says, under)


@pytest.mark.parametrize(("step", "says", "under"), BODIES)
def test_a_fault_inside_a_step_is_told_where_it_is(tmp_path: Path, step: str, says: str, under: str) -> None:
    found = refusal(write(tmp_path, f"{HEAD}  - {step}\n    name: named\n"))
    assert (found.at.split(":")[0], found.says, found.under) == ("4", says, under)


@pytest.mark.parametrize(("step", "word"), LATER)
def test_words_of_later_versions_are_refused_as_such(tmp_path: Path, step: str, word: str) -> None:
    found = refusal(write(tmp_path, f"{HEAD}  - {step}\n"))
    assert found.says == f"`{word}` is not supported yet: a later version will add it"
    assert (found.at.split(":")[0], found.under) == ("4", word)


@pytest.mark.parametrize(("text", "at", "says"), YAML_FAULTS)
def test_broken_yaml_is_explained_where_it_begins(tmp_path: Path, text: str, at: str, says: str) -> None:
    found = refusal(write(tmp_path, text))
    assert (found.at, found.says) == (at, says)


@pytest.mark.parametrize(
    ("step", "hint"),
    [
        ("select: {quantile: 1.5, by: a}", "for 1.5 % write 1.5% or 0.015"),
        ("select: {quantile: 20, by: a}", "for 20 % write 20% or 0.2"),
        ("select: {quantile: 150%, by: a}", "write a percentage such as 20%, or a number such as 0.2"),
        (
            "transform: {multiscale: [1.5]}",
            "1 is the full size of the image, 0.5 half of it; images are never upscaled",
        ),
        (
            "transform: {multiscale: 0}",
            "1 is the full size of the image, 0.5 half of it; images are never upscaled",
        ),
        ("transform: {tile: 0}", "write a whole number of 1 or more"),
        ("transform: {tile: big}", "write a whole number, without quotes or a unit"),
    ],
)
def test_the_hint_is_what_to_type_instead(tmp_path: Path, step: str, hint: str) -> None:
    assert refusal(write(tmp_path, f"{HEAD}  - {step}\n")).hint == hint


def test_the_first_of_several_faults_is_told(tmp_path: Path) -> None:
    found = refusal(
        write(tmp_path, HEAD + "  - release: {image: gif, card: 3, format: folder, kernal: box}\n")
    )
    assert (found.at, found.says) == ("4:22", "`image` cannot be 'gif'")


def test_the_whole_message_is_a_place_a_line_and_what_to_type(tmp_path: Path) -> None:
    from groundglass.errors import RecipeError
    from groundglass.recipes.load import load_recipe

    path = write(tmp_path, HEAD + "  - transform: {tyle: 512}\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert caught.value.message == (
        f"{path}:4:17: `tyle` is not a key of `transform`; did you mean `tile`?\n"
        "  4 |   - transform: {tyle: 512}\n"
        "    |                 ^^^^"
    )
    assert caught.value.hint == (
        "keys of `transform`: best_tile, degrade, downscale, multiscale, restore, tile, to_effective_resolution"
    )


def test_long_and_wide_lines_keep_the_caret_under_the_word(tmp_path: Path) -> None:
    padding = "x" * 300
    found = refusal(
        write(tmp_path, HEAD + f"  - select: {{where: '{padding}', bye: a, keep: '{padding}'}}\n")
    )
    assert found.under == "bye"
    wide = write(tmp_path, HEAD + "  - {note: 写真, selct: a}\n")
    assert refusal(wide).at == "4:16"


def test_windows_and_old_mac_line_ends_count_lines_alike(tmp_path: Path) -> None:
    text = HEAD + "  - mesure: [header]\n"
    for end in ("\r\n", "\r"):
        found = refusal(write(tmp_path, text.replace("\n", end)))
        assert (found.at, found.under) == ("4:5", "mesure")
