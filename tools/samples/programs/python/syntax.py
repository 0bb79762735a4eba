print("up")
def broken(:
    pass
