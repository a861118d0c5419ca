"""How deliveries from outside become bronze rows."""
