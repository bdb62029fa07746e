"""What `python -m recipes.doctor` asks this machine and every node; see docs/doctor.md."""
