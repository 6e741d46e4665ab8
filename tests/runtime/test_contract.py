import json

import pytest

from digitlens import contract
from digitlens.contract import Contract
from digitlens.errors import ModelError

CONTRACT = Contract(
    labels=contract.LABELS,
    input=contract.INPUT,
    taps=contract.TAPS,
    normalize={"mean": 0.0, "std": 1.0},
    training={"recipe": "classic"},
    proof=None,
    weights_sha256="00",
)


def test_it_survives_the_way_through_json() -> None:
    assert Contract.from_json(CONTRACT.to_json()) == CONTRACT
    proven = CONTRACT.with_proof({"passed": True})
    assert Contract.from_json(proven.to_json()).proof == {"passed": True}


def test_outputs_and_graph_order_name_the_same_tensors() -> None:
    assert contract.OUTPUTS[:2] == ("logits", "probabilities")
    assert sorted(contract.OUTPUTS) == sorted(contract.GRAPH_ORDER)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "1", "{}", '{"schema": 1}', '{"schema": 1, "taps": 3}']
)
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="contract cannot be read"):
        Contract.from_json(text)


def test_an_unknown_schema_is_named() -> None:
    fields = json.loads(CONTRACT.to_json()) | {"schema": 99}
    with pytest.raises(ModelError, match="schema 99, this digitlens reads 1"):
        Contract.from_json(json.dumps(fields))
