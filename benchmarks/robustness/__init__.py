"""What the server does when something goes wrong: `make bench-robustness`, see ../README.md."""
