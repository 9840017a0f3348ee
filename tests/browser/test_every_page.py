def test_x(browser, axe, county):
    import time
    from tests.browser.looking import axe_says, in_words, too_wide, texts, tab_through, too_small
    w = browser("operator")
    t=time.time()
    w.open("/")
    print("open", time.time()-t); t=time.time()
    print(in_words(axe_says(w.page, axe)))
    print("axe", time.time()-t); t=time.time()
    print(too_wide(w.page), texts(w.page)); 
    print(tab_through(w.page), too_small(w.page))
    print("tab", time.time()-t); t=time.time()
    w.open("/login")
