"""The worker as a service over HTTP, and for assistants over MCP: a second caller of the runner, beside the command line.

`settings` says what a service is started with, `turns` lets clients share the labeller, `extracts` answers at once, `folders`
and `jobs` keep what takes longer, `guard` lets in who may come in, `app` has the addresses, `server` the sockets.
"""
