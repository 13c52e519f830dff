"""What a person looks at and mends: errors, links, state, runs, status, the VAT map and the profile."""
