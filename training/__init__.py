"""sayso.training"""
