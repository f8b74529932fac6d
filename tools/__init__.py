"""The makers' tools: run, store, publish and report the chapters, and time them. No chapter imports them."""
