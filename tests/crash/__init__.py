"""What is left after disks fail, processes are killed and machines lose power."""
