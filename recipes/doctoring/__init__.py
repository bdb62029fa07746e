"""What `python -m recipes.doctor` looks at; see docs/doctor.md."""
