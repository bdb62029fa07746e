"""The page about one run, or several side by side: one HTML file that needs nothing else, or the same page served live.

run_files reads a folder whatever its state, story puts it into words, series and responses make its numbers and texts
small enough to travel inside the page, build puts them together with the scripts in assets/, live serves the result.
"""
