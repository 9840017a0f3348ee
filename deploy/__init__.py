"""What stands around the program when it is delivered: scripts for servers, the supply chain, papers for reviewers."""
