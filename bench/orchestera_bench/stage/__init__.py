"""What is around a Lambda function when it starts: the Runtime API, AWS behind a network, and a share of a core."""
