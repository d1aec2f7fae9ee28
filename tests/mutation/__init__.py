"""Mutation tests: a change of one token in a formula must fail a test. ``python -m tests.mutation --help``.

Two public tools were tried. mutmut (3.8) leaves out properties and constants of modules, and runs the whole test suite
under its own instrumentation first. cosmic-ray (8.7) changes files in place, and runs one command for all modules.
"""
