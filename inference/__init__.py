"""sayso.inference"""
