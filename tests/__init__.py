"""Tests of balloonlab; the folders mirror the package."""
