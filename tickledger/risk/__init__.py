"""What an account may do: limits in force, what is at stake, and the checks an order must pass before it is sent.

What belongs here: pure rules over values. What does not: orders, brokers, prices that have to be fetched.
"""
