"""The application in a browser: textual-serve with a page of our own that fetches nothing from elsewhere."""
