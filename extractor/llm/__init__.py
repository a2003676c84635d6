"""What one model call needs: who to ask, how, how often, for how much, and what was answered before.

`client.ModelClient` is what others call, made of the other modules. Importing any of them is cheap (under 0.1 s): aiohttp,
openai, instructor and litellm are imported by the first call that needs them.
"""
