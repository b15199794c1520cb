def open_engine(s): pass
