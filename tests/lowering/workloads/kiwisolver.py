"""A layout with constraints of each strength, edits, and exceptions out of C++."""

import kiwisolver as kiwi

left, mid, right = map(kiwi.Variable, ("left", "mid", "right"))
solver = kiwi.Solver()
wide = right >= left + 100
for constraint in (mid == (left + right) / 2, wide, (left == 0) | "weak", (right <= 500) | "strong"):
    solver.addConstraint(constraint)
solver.addEditVariable(mid, "strong")
solver.suggestValue(mid, 200)
solver.updateVariables()
assert (left.value(), mid.value(), right.value()) == (0, 200, 400)
solver.suggestValue(mid, 300)
solver.updateVariables()
assert mid.value() == 300 and right.value() <= 500.0
assert right.value() - left.value() >= 100
assert solver.hasConstraint(wide)
assert "right" in solver.dumps()
said = []
for attempt in (
    lambda: solver.addConstraint(wide),
    lambda: solver.addConstraint((right == left) | "required"),
    lambda: solver.removeConstraint(left == 12345),
    lambda: solver.suggestValue(kiwi.Variable("new"), 1),
):
    try:
        attempt()
    except (
        kiwi.DuplicateConstraint,
        kiwi.UnsatisfiableConstraint,
        kiwi.UnknownConstraint,
        kiwi.UnknownEditVariable,
    ) as error:
        said.append(type(error).__name__)
assert said == ["DuplicateConstraint", "UnsatisfiableConstraint", "UnknownConstraint", "UnknownEditVariable"]
print("works")
