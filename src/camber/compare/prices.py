from camber.compare.entries import Entry


def prices(entries, task, path):
    return {}
