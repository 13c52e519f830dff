"""The API of the sandbox: routes, forms and answers as bexio has them."""
