console.log('up');
Promise.reject('no error object');
