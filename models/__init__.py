"""sayso.models"""
