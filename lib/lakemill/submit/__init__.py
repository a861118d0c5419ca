"""Running elsewhere: the same jobs as a step on EMR or on EMR Serverless. The only room that knows boto3."""
