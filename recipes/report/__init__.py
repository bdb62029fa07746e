"""`python -m recipes.report`: figures and pages made from the code and from finished runs."""
