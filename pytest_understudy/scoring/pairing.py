"""Which given action stands for which expected one.

In: a matrix of weights, exact integers of at least 0: a row for each expected action, a column for each given one, 0 where the
two can't be a pair. Out: the pairs (row, column) whose weights have the largest sum, in row order. What a newcomer would get
wrong: taking each row's best is not enough, since that may be another row's only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest

Weights = Sequence[Sequence[int]]
Pairs = list[tuple[int, int]]


def assigned(weights: Weights) -> Pairs:
    """The maximum-weight assignment: each row and each column at most once, in whatever order.

    The Hungarian method, row by row with shortest augmenting paths (Kuhn 1955; Munkres 1957). n rows never need more than the n
    best columns of each, so it takes O(n^4) steps however many columns there are.
    """
    rows = len(weights)
    columns = sorted({j for row in weights for j in nlargest(rows, range(len(row)), key=row.__getitem__)})
    # A column of zeros for every row means unpaired. The method looks for the least cost, so weights change their sign.
    costs = [[-row[j] for j in columns] + [0] * rows for row in weights]
    pairs = enumerate(_cheapest(costs))
    return [(i, columns[j]) for i, j in pairs if j < len(columns) and weights[i][columns[j]]]


def _cheapest(costs: Weights) -> list[int]:
    """For each row its column in the assignment of least cost; no fewer columns than rows.

    `row_price[i] + column_price[j] <= costs[i][j]` holds throughout, with equality for the pairs made.
    """
    row_price = [0] * len(costs)
    column_price = [0] * len(costs[0]) if costs else []
    row_of: dict[int, int] = {}  # column to row
    for new in range(len(costs)):
        slack = {j: (costs[new][j] - row_price[new] - column_price[j], new) for j in range(len(column_price))}
        tree: dict[int, int] = {}  # columns reached, each with the row that it was reached from
        rows = [new]
        while True:
            column = min(slack, key=lambda j: slack[j][0])
            step, tree[column] = slack.pop(column)
            for i in rows:
                row_price[i] += step
            for j in tree:
                column_price[j] -= step if j != column else 0
            slack = {j: (left - step, i) for j, (left, i) in slack.items()}
            if column not in row_of:
                break
            row = row_of[column]
            rows.append(row)
            for j, (left, _) in slack.items():
                if (reduced := costs[row][j] - row_price[row] - column_price[j]) < left:
                    slack[j] = (reduced, row)
        # Along the path back to the new row, every row moves to the column that it was reached through.
        while True:
            row = tree[column]
            previous = next((j for j, i in row_of.items() if i == row), None)
            row_of[column] = row
            if previous is None:
                break
            column = previous
    return [column for column, _ in sorted(row_of.items(), key=lambda pair: pair[1])]


def aligned(weights: Weights) -> Pairs:
    """The maximum-weight alignment that keeps both orders: a later row's column is later. O(rows x columns)."""
    rows, columns = len(weights), len(weights[0]) if weights else 0
    best = [[0] * (columns + 1) for _ in range(rows + 1)]  # best[i][j]: with the rows from i and the columns from j
    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            best[i][j] = max(weights[i][j] + best[i + 1][j + 1], best[i + 1][j], best[i][j + 1])
    pairs: Pairs = []
    i = j = 0
    while i < rows and j < columns:
        if weights[i][j] and best[i][j] == weights[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i][j + 1]:
            j += 1
        else:
            i += 1
    return pairs
