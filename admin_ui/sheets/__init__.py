"""Spreadsheets of people that somebody uploads: from bytes to rows of text, within bounds.

What is read comes from outside and may be made to harm: `reading` hands it to `worker`, a process
of its own with little memory and time.  What runs there (`worker`, `csv_text`, `xlsx`, `headings`,
`table`) imports the standard library alone.
"""
