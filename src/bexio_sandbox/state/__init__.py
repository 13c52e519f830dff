"""The company's books: its rows, and the rules by which they change."""
