"""What is asked: tasks, the files that they come from, and the forms that they are answered in."""
