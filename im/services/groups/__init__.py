"""Groups and who is in them.

`members` is what members may do, `administration` what operators may, `offboarding` what becomes of
the groups of somebody who leaves.
"""
