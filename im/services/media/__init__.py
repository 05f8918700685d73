"""Bytes: pictures and voice, stored by their content.

Who may upload how much (`uploads`), voice made playable in a process without rights
(`transcoding`), offers of files and what waits (`file_transfers`).
"""
