"""Measures of two images: PSNR and SSIM."""
