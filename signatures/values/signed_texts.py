"""Which text of a letter, by the number of its revision, signatures are of."""

from collections.abc import Mapping


def of_other_texts(signed: Mapping[int, int] | Mapping[str, int], shown: int) -> dict[int, int]:
    """Returns how many signatures are of each other text than the one that is shown.

    Args:
        signed: how many signatures are of which text, as the counts of a delivery have it.
        shown: the text that readers have before them.
    """
    numbers = {int(number): count for number, count in signed.items()}
    return {number: numbers[number] for number in sorted(numbers) if number != shown}
