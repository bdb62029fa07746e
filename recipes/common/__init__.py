"""What every command leans on: errors, files, processes, secrets, terminal. It imports nothing of ours."""
