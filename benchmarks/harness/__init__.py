"""Measures servers side by side: starts them, loads them, reads their CPU time, keeps the figures."""
