"""A report to forward: one HTML file with the answer in words, its figures, reasons and sources.

    simulator report RUN, simulator report BATCH

It needs no network, runs no script, and prints.
"""
