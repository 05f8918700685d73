"""The order of the department tree."""

from admin_ui.tree import Department, outline, subtree, totals

COMPANY = [
    Department(5, 2, 0, "Gateway"),
    Department(3, 1, 1, "Sales"),
    Department(1, 0, 0, "Starriver"),
    Department(2, 1, 2, "R&D"),
    Department(4, 1, 1, "Office"),
]


def test_each_department_is_followed_by_what_it_contains() -> None:
    places = outline(COMPANY)

    assert list(places) == [1, 3, 4, 2, 5]
    assert [place.depth for place in places.values()] == [0, 1, 1, 1, 2]
    assert places[5].path == "Starriver / R&D / Gateway"


def test_what_hangs_under_a_missing_parent_is_at_the_top() -> None:
    places = outline([*COMPANY, Department(9, 77, 9, "Lost")])

    assert list(places)[-1] == 9
    assert places[9].depth == 0


def test_a_loop_is_cut_open_at_its_lowest_id() -> None:
    places = outline([*COMPANY, Department(8, 9, 0, "b"), Department(9, 8, 0, "a")])

    assert list(places)[-2:] == [8, 9]
    assert [places[8].depth, places[9].depth] == [0, 1]


def test_a_department_that_is_its_own_parent_is_listed_once() -> None:
    assert list(outline([Department(7, 7, 0, "Ouroboros")])) == [7]


def test_a_very_deep_tree_is_no_problem() -> None:
    places = outline(Department(n, n - 1, 0, "d") for n in range(1, 3000))

    assert places[2999].depth == 2998


def test_totals_add_what_is_contained() -> None:
    assert totals(outline(COMPANY), {1: 1, 2: 2, 5: 4}) == {1: 7, 3: 0, 4: 0, 2: 6, 5: 4}


def test_a_subtree_ends_where_the_next_branch_begins() -> None:
    places = outline(COMPANY)

    assert subtree(places, 2) == [2, 5]
    assert subtree(places, 3) == [3]
    assert subtree(places, 1) == [1, 3, 4, 2, 5]
    assert subtree(places, 77) == []
